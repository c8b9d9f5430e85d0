import { BlockList } from 'node:net';

/** A network address, and 4 or 6 for its kind. */
export interface NetworkAddress {
  readonly address: string;
  readonly family: number;
}

type Subnets = readonly (readonly [network: string, prefix: number])[];

/** The IPv4 special-purpose registry of IANA (RFC 6890), multicast and the reserved rest. */
const SPECIAL_IPV4: Subnets = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];

/** Global unicast. Loopback, unique-local, link-local, multicast, translated and all other IPv6 lie outside. */
const GLOBAL_IPV6: Subnets = [['2000::', 3]];

/** What is special inside of global unicast: protocol assignments with Teredo, documentation, 6to4. */
const SPECIAL_IPV6: Subnets = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];

/** Nothing that is asked is ever here, in private networks neither: nothing, multicast, link-local with AWS's metadata services. */
const NEVER_IPV4: Subnets = [
  ['0.0.0.0', 8],
  ['169.254.0.0', 16],
  ['224.0.0.0', 4],
  ['255.255.255.255', 32],
];
const NEVER_IPV6: Subnets = [
  ['::', 128],
  ['fd00:ec2::', 32],
  ['fe80::', 10],
  ['ff00::', 8],
];

function listOf(ipv4: Subnets, ipv6: Subnets): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of ipv4) list.addSubnet(network, prefix, 'ipv4');
  for (const [network, prefix] of ipv6) list.addSubnet(network, prefix, 'ipv6');
  return list;
}

// Rules for IPv4 also match IPv6 addresses that map it (::ffff:10.0.0.1).
const special = listOf(SPECIAL_IPV4, SPECIAL_IPV6);
const never = listOf(NEVER_IPV4, NEVER_IPV6);
const global = listOf([], [...GLOBAL_IPV6, ['::ffff:0:0', 96]]);

/**
 * Whether requests may go to an address.
 * @param allowPrivate whether private and loopback addresses are fine; link-local and multicast ones never are
 */
export function isAllowed({ address, family }: NetworkAddress, allowPrivate: boolean): boolean {
  const kind = family === 6 ? 'ipv6' : 'ipv4';
  if (never.check(address, kind)) return false;
  if (allowPrivate) return true;
  return !special.check(address, kind) && (kind === 'ipv4' || global.check(address, kind));
}
