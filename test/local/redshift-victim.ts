// A process that runs a batch on the Data API and dies in it: started by redshift-data.test.ts.
import { StatementStore } from '../../local/services/redshift-data/store.ts';
import { ADMINISTRATOR, FakeContext } from './fake-context.ts';
import { dataService } from './redshift-support.ts';

const [dataDir = '', when] = process.argv.slice(2);
const context = new FakeContext({ dataDir, realTime: true });
const { data } = await dataService(context);
const die = () => process.kill(process.pid, 'SIGKILL');

if (when === 'after-commit') StatementStore.prototype.finish = die;
const Sqls = ["INSERT INTO kept VALUES ('x')", 'SELECT COUNT(*) FROM kept'];
if (when === 'before-commit') {
  Sqls.push('SELECT COUNT(*) FROM range(1000000000000)');
  context.clock.after(300, die);
}
const operation = data.operations?.BatchExecuteStatement;
const answer = await operation?.handle(
  { WorkgroupName: 'warehouse', Database: 'dev', Sqls, ClientToken: when },
  { caller: ADMINISTRATOR },
);
process.stdout.write(String(answer?.Id));
setInterval(() => {}, 1000);
