export { createdEvent, type LandedVersion, sendAll } from '../shared/messages.ts';
