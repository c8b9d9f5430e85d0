/*
 * Bundled in place of `@aws-sdk/endpoint-cache`, which brings a cache for endpoint discovery. DynamoDB's client asks for
 * one when it is made, and never uses it: discovery is off unless AWS_ENABLE_ENDPOINT_DISCOVERY says otherwise.
 */

/** A cache that holds nothing: with discovery on, each endpoint is asked for again. */
export class EndpointCache {
  getEndpoint(): undefined {}
  get(): undefined {}
  set(): void {}
  delete(): void {}
  has(): boolean {
    return false;
  }
  clear(): void {}
}
