/** Exit statuses of the command; shown by `--help`. */
export const EXIT = {
  done: 0,
  /** It ran, and something is not as it should be: a file failed, a redrive failed again. */
  notGood: 1,
  wrongUsage: 2,
  /** Nothing was done: no credentials, no such stack, nothing answers. */
  unreachable: 3,
  interrupted: 130,
} as const;

/** An error whose message is for the person; it says what to do. */
export class ForPeople extends Error {
  override readonly name: string = 'ForPeople';
  readonly exit: number = EXIT.unreachable;
}

/** The command line is wrong. */
export class WrongUsage extends ForPeople {
  override readonly name = 'WrongUsage';
  override readonly exit = EXIT.wrongUsage;
}

/** What was asked for is not there. */
export class NotFound extends ForPeople {
  override readonly name = 'NotFound';
  override readonly exit = EXIT.notGood;
}

/** The person pressed Ctrl-C. */
export class Interrupted extends ForPeople {
  override readonly name = 'Interrupted';
  override readonly exit = EXIT.interrupted;
}

const SIGN_IN =
  'Sign in (for example "aws sso login"), name a profile with --profile, or start the local runtime with "npm start".';

/** What to do about errors of AWS and of the network, by their names. */
const ADVICE: readonly { readonly names: readonly RegExp[]; readonly advice: string }[] = [
  { names: [/^CredentialsProviderError$/, /^TokenProviderError$/], advice: `No AWS credentials. ${SIGN_IN}` },
  {
    names: [/^ExpiredToken/, /^UnrecognizedClient/, /^InvalidClientTokenId/, /^SignatureDoesNotMatch/],
    advice: `AWS does not accept these credentials. ${SIGN_IN}`,
  },
  { names: [/^AccessDenied/, /^UnauthorizedOperation/], advice: 'These credentials may not do that.' },
  {
    names: [/^ECONNREFUSED$/, /^ENOTFOUND$/, /^EAI_AGAIN$/, /^ETIMEDOUT$/, /^TimeoutError$/, /^ECONNRESET$/],
    advice: 'Nothing answers there. Is the runtime ("npm start") up, or the network?',
  },
  {
    names: [/Throttl/, /^TooManyRequests/],
    advice: 'AWS asks for patience. Run the command again later; it goes on where it stopped.',
  },
];

/** Whether an error, or what caused it, has one of the names. */
export function isNamed(error: unknown, ...names: readonly string[]): boolean {
  return error instanceof Error && names.includes(error.name);
}

/** Message and exit status for an error of any kind. Never a stack trace, unless MILLRACE_DEBUG is set. */
export function explain(error: unknown): { readonly message: string; readonly exit: number } {
  if (error instanceof ForPeople) return { message: error.message, exit: error.exit };
  if (!(error instanceof Error)) return { message: String(error), exit: EXIT.unreachable };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (/region is missing|region not accepted: region=""/i.test(error.message)) {
    return {
      message:
        'No AWS region. Name one with --region or AWS_REGION, or start the local runtime with "npm start".',
      exit: EXIT.unreachable,
    };
  }
  const found = ADVICE.find(({ names }) => names.some((name) => name.test(error.name) || name.test(code)));
  const said = `${error.name === 'Error' ? code || error.name : error.name}: ${error.message || code}`;
  const message = process.env.MILLRACE_DEBUG ? (error.stack ?? said) : said;
  return { message: found ? `${found.advice}\n  ${message}` : message, exit: EXIT.unreachable };
}
