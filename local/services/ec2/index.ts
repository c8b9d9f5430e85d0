import { createHash } from 'node:crypto';
import type { LocalService, Provision, ResourceRequest, RuntimeContext, Shape } from '../service.ts';

/** An id in the style of EC2 that is the same at every start. */
const idOf = (prefix: string, { generatedName }: ResourceRequest) =>
  `${prefix}-${createHash('sha256').update(generatedName).digest('hex').slice(0, 17)}`;

/** What makes up a stand-in: the prefix of its id, and the attributes that templates read. */
interface StandIn {
  readonly prefix: string;
  attributes?(id: string, resource: ResourceRequest, context: RuntimeContext): Shape;
}

const STAND_INS: Readonly<Record<string, StandIn>> = {
  'AWS::EC2::VPC': {
    prefix: 'vpc',
    attributes: (VpcId, resource) => ({
      VpcId,
      CidrBlock: resource.properties.CidrBlock,
      CidrBlockAssociations: [],
      Ipv6CidrBlocks: [],
      DefaultNetworkAcl: idOf('acl', resource),
      DefaultSecurityGroup: idOf('sg', resource),
    }),
  },
  'AWS::EC2::Subnet': {
    prefix: 'subnet',
    attributes: (SubnetId, { properties }) => ({
      SubnetId,
      AvailabilityZone: properties.AvailabilityZone,
      CidrBlock: properties.CidrBlock,
      VpcId: properties.VpcId,
      Ipv6CidrBlocks: [],
      OutpostArn: '',
    }),
  },
  'AWS::EC2::SecurityGroup': {
    prefix: 'sg',
    attributes: (GroupId, { properties }) => ({ GroupId, Id: GroupId, VpcId: properties.VpcId }),
  },
  'AWS::EC2::SecurityGroupIngress': { prefix: 'sgr', attributes: (Id) => ({ Id }) },
  'AWS::EC2::SecurityGroupEgress': { prefix: 'sgr', attributes: (Id) => ({ Id }) },
  'AWS::EC2::RouteTable': { prefix: 'rtb', attributes: (RouteTableId) => ({ RouteTableId }) },
  'AWS::EC2::SubnetRouteTableAssociation': { prefix: 'rtbassoc', attributes: (Id) => ({ Id }) },
  'AWS::EC2::Route': {
    prefix: 'route',
    attributes: (_id, { properties }) => ({ CidrBlock: properties.DestinationCidrBlock }),
  },
  'AWS::EC2::InternetGateway': { prefix: 'igw', attributes: (InternetGatewayId) => ({ InternetGatewayId }) },
  'AWS::EC2::VPCGatewayAttachment': { prefix: 'attachment', attributes: () => ({ AttachmentType: 'IGW' }) },
  'AWS::EC2::VPCEndpoint': {
    prefix: 'vpce',
    attributes: (Id) => ({
      Id,
      DnsEntries: [],
      NetworkInterfaceIds: [],
      CreationTimestamp: '2026-01-01T00:00:00Z',
    }),
  },
  'AWS::EC2::EIP': {
    prefix: 'eipalloc',
    attributes: (AllocationId) => ({ AllocationId, PublicIp: '192.0.2.1' }),
  },
  'AWS::EC2::NatGateway': { prefix: 'nat', attributes: (NatGatewayId) => ({ NatGatewayId }) },
  'AWS::EC2::NetworkAcl': { prefix: 'acl', attributes: (Id) => ({ Id }) },
  'AWS::EC2::FlowLog': { prefix: 'fl', attributes: (Id) => ({ Id }) },
};

const provision =
  ({ prefix, attributes }: StandIn, context: RuntimeContext): Provision =>
  (resource) => {
    const id = idOf(prefix, resource);
    return { ref: id, attributes: attributes?.(id, resource, context) ?? {} };
  };

/** Networks are names here: everything runs on one machine and reaches everything. */
export function createEc2(context: RuntimeContext): LocalService {
  return {
    signingNames: ['ec2'],
    iamPrefix: 'ec2',
    operations: {},
    resources: Object.fromEntries(
      Object.entries(STAND_INS).map(([type, standIn]) => [type, provision(standIn, context)]),
    ),
  };
}
