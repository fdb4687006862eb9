import { testConnectionsOf } from './connections.ts';

testConnectionsOf('client');
