import type { Runtime } from '../runtime.ts';
import type { Deployment } from './deployment.ts';

/** What to try next, with the names of this deployment filled in. */
export function nextSteps(deployment: Deployment, { endpoint, helpDesk, crm }: Runtime): string {
  const machine = deployment.output('DocumentIngestionStateMachineArn');
  const aws = `aws --endpoint-url ${endpoint}`;
  return `The runtime stays up. Endpoint: ${endpoint}
  landing bucket  ${deployment.landingBucket}
  lake bucket     ${deployment.output('LakeBucketName')}
  audit table     ${deployment.auditTable}
  help desk       ${helpDesk?.url}
${crm ? `  CRM             ${crm.url}\n` : ''}
Try, in another terminal (any credentials will do):
  export AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1

  # how things are; drop a file of your own and watch it here
  npx millrace status --endpoint-url ${endpoint}
  npx millrace drop letter.pdf --endpoint-url ${endpoint}

  # the same by the AWS CLI
  ${aws} s3 cp letter.pdf s3://${deployment.landingBucket}/documents/

  # list the executions
  ${aws} stepfunctions list-executions --max-items 5 --state-machine-arn ${machine}

  # everything that happened to a file
  ${aws} dynamodb query --table-name ${deployment.auditTable} --index-name by-file-name \\
    --key-condition-expression 'FileName = :f' --expression-attribute-values '{":f":{"S":"documents/letter.pdf"}}'
${deployment.hasWarehouse ? warehouse(deployment, aws) : ''}
Ctrl-C stops everything; what is under way goes on at the next start.
`;
}

function warehouse(deployment: Deployment, aws: string): string {
  return `
  # ask the warehouse; the answer has an Id: ${aws} redshift-data get-statement-result --id Id
  ${aws} redshift-data execute-statement --workgroup-name ${deployment.output('WarehouseWorkgroupName')} \\
    --database ${deployment.output('WarehouseDatabase')} --sql "SELECT language, sentiment, COUNT(*) FROM ${deployment.output('WarehouseSchema')}.documents GROUP BY 1, 2"
`;
}
