import { testConnectionsOf } from './connections.ts';

testConnectionsOf('server');
