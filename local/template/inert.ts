import type { Provision } from '../services/service.ts';

/** A resource that exists and does nothing. Its attributes are the properties of that name, else the reference. */
function inert(...attributes: string[]): Provision {
  return ({ generatedName, properties }) => ({
    ref: generatedName,
    attributes: Object.fromEntries(
      attributes.map((attribute) => [attribute, properties[attribute] ?? generatedName]),
    ),
  });
}

/**
 * Resource types that need no stand-in on a laptop: there is no network to build and nobody to charge.
 * Attributes as the CloudFormation reference lists them.
 */
export const INERT_PROVISIONERS: Readonly<Record<string, Provision>> = {
  'AWS::Budgets::Budget': inert(),
  'AWS::CE::AnomalyMonitor': inert('MonitorArn'),
  'AWS::CE::AnomalySubscription': inert('SubscriptionArn', 'AccountId'),
  'AWS::CloudTrail::Trail': inert('Arn', 'SnsTopicArn'),
  'AWS::CloudFormation::WaitConditionHandle': inert(),
  'AWS::EC2::EIP': inert('AllocationId', 'PublicIp'),
  'AWS::EC2::FlowLog': inert('Id'),
  'AWS::EC2::InternetGateway': inert('InternetGatewayId'),
  'AWS::EC2::NatGateway': inert('NatGatewayId'),
  'AWS::EC2::NetworkAcl': inert('Id'),
  'AWS::EC2::NetworkAclEntry': inert('Id'),
  'AWS::EC2::Route': inert('CidrBlock'),
  'AWS::EC2::RouteTable': inert('RouteTableId'),
  'AWS::EC2::SecurityGroup': inert('GroupId', 'Id', 'VpcId'),
  'AWS::EC2::SecurityGroupEgress': inert('Id'),
  'AWS::EC2::SecurityGroupIngress': inert('Id'),
  'AWS::EC2::Subnet': inert('SubnetId', 'AvailabilityZone', 'CidrBlock', 'VpcId', 'NetworkAclAssociationId'),
  'AWS::EC2::SubnetRouteTableAssociation': inert('Id'),
  'AWS::EC2::VPC': inert('VpcId', 'CidrBlock', 'DefaultSecurityGroup', 'DefaultNetworkAcl'),
  'AWS::EC2::VPCEndpoint': inert('Id', 'CreationTimestamp', 'DnsEntries', 'NetworkInterfaceIds'),
  'AWS::EC2::VPCGatewayAttachment': inert('AttachmentType'),
  'AWS::ResourceGroups::Group': inert('Arn'),
  'AWS::XRay::Group': inert('GroupARN'),
};
