/** A runtime to be killed: runs state machines in the directory given and tells what the test waits for. */
import { systemClock } from '../../local/clock.ts';
import { Harness, json, LAMBDA } from './states-harness.ts';

const harness = new Harness(systemClock, process.argv[2]);
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
harness.stubs['sqs.SendMessage'] = async ({ MessageBody }) => {
  setImmediate(() => say({ token: Object(json(MessageBody)).token }));
  return { MessageId: '1' };
};
harness.stubs['lambda.Invoke'] = () => {
  say({ called: true });
  return new Promise(() => {});
};
const task = (Resource: string, Arguments: object) => ({ Type: 'Task', Resource, Arguments, End: true });
const set = (Next: string) => ({ Type: 'Pass', Assign: { kept: 'yes' }, Next });
await harness.create('token', {
  StartAt: 'Set',
  States: {
    Set: set('Wait'),
    Wait: {
      ...task('arn:aws:states:::sqs:sendMessage.waitForTaskToken', {
        QueueUrl: 'q',
        MessageBody: { token: '{% $states.context.Task.Token %}' },
      }),
      Output: '{% [$kept, $states.result] %}',
    },
  },
});
await harness.create('call', {
  StartAt: 'Set',
  States: { Set: set('Call'), Call: { ...task(LAMBDA, { FunctionName: 'f' }), Output: '{% $kept %}' } },
});
say({ arns: [await harness.start('token', {}, 'one'), await harness.start('call', {}, 'one')] });
setInterval(() => {}, 60_000);
