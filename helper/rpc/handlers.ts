/** What the helper does for each call of its contract. */
import { hostname } from 'node:os';
import { ZapError } from '../protocol/errors';
import { protocolRange, type EventOf, type Input, type Method, type Output } from '../protocol/contract';
import type { CallContext } from '../protocol/connection';
import { describeCheckpoint, resumePod, suspendPod } from '../checkpoint/suspend';
import { EnvironmentStore } from '../files/environments';
import { decide, outcomeOf, tell } from '../move/outcome';
import { takeUpAgain } from '../move/recover';
import { receive, send } from '../move/transfer';
import { createPod } from '../pod/create';
import { streamDisplay } from '../pod/display';
import { exec } from '../pod/exec';
import { requireFreeName } from '../pod/identity';
import { renamePod } from '../pod/rename';
import { sharePod } from '../pod/share';
import { readLogs } from '../pod/logs';
import { forgetLock, lockHost, lockPod } from '../pod/locks';
import { findRecord, listRecords, loadRecord, maySee, toPod, type Caller } from '../pod/record';
import { destroyPod } from '../pod/remove';
import { attach, closeTerminal, listTerminals, terminalHistory, viewWindowBytes } from '../pod/terminal';
import { selfTestHost } from '../preflight/doctor-selftest';
import { hostFacts } from '../preflight/facts';
import { cpuUseOf, preflightSource, usageOf } from '../preflight/source';
import { neighbourFindings, preflightTarget } from '../preflight/target';
import { bootId, namespaceMembersLately } from '../system/process';
import { version } from '../protocol/version';

export interface HandlerContext<M extends Method> extends Omit<CallContext, 'event'> {
  caller: Caller;
  event(data: EventOf<M>): void;
}

type Handlers = { [M in Method]: (params: Input<M>, context: HandlerContext<M>) => Promise<Output<M>> };

export function createHandlers(environments: EnvironmentStore): Handlers {
  return {
    async hello(params) {
      if (params.min > protocolRange.max || params.max < protocolRange.min) {
        throw new ZapError('host/protocol', `The helper on this host speaks protocol ${protocolRange.min}–${protocolRange.max}, the desktop ${params.min}–${params.max}.`, { hint: 'Use the same version of Zap on both sides.' });
      }
      return { protocol: Math.min(params.max, protocolRange.max), version, hostname: hostname(), bootId: bootId(), arch: process.arch, features: [] };
    },
    'host.facts': () => hostFacts(),
    'host.selftest': async () => ({ findings: await selfTestHost() }),

    async 'environment.list'() {
      return { environments: await environments.list() };
    },
    'environment.build': ({ recipe }, { signal, event }) => environments.build(recipe, { signal, onLine: (line) => event({ line }) }),
    'environment.import': ({ name }, { signal, lane }) => environments.importTree(lane(0) as AsyncIterable<Buffer>, name, { signal }),
    'environment.remove': ({ environment }) => environments.remove(environment, { isInUse: (digest) => listRecords().some((record) => record.environment.digest === digest) }),

    async 'pod.list'(_params, { caller }) {
      return { pods: listRecords().filter((record) => maySee(caller, record)).map(toPod) };
    },
    async 'pod.show'({ pod }, { caller }) {
      const record = findRecord(pod, caller);
      const { usage, findings } = await usageOf(record, namespaceMembersLately);
      return { pod: toPod(record), usage, command: record.command, findings };
    },
    async 'pod.create'(params, { caller, signal, event }) {
      return toPod(await createPod(params, { caller, environments, signal, progress: event }));
    },
    async 'pod.rename'({ pod, name }, { caller }) {
      const record = findRecord(pod, caller);
      using _pod = lockPod(record, 'being renamed');
      using _host = await lockHost();
      requireFreeName(name, record.id);
      await renamePod(record, name);
      return toPod(record);
    },
    async 'pod.share'({ pod, user, isShared }, { caller }) {
      return sharePod(findRecord(pod, caller), caller, user, isShared);
    },
    async 'pod.delete'({ pod }, { caller }) {
      const record = findRecord(pod, caller);
      using lock = lockPod(record, 'being deleted');
      await destroyPod(record);
      forgetLock(record, lock);
      return {};
    },
    async 'pod.suspend'({ pod, seal }, { caller, signal, event }) {
      const record = findRecord(pod, caller);
      return { ...(await suspendPod(record, seal, event, signal)), pod: toPod(record) };
    },
    async 'pod.resume'({ pod, key }, { caller, signal, event }) {
      const record = findRecord(pod, caller);
      return { ...(await resumePod(record, key, environments, event, signal)), pod: toPod(record) };
    },
    async 'pod.checkpoint'({ pod }, { caller }) {
      return describeCheckpoint(findRecord(pod, caller));
    },
    async 'pod.recover'({ pod, decision }, { caller }) {
      const record = findRecord(pod, caller);
      await decide(record, decision === 'run-here');
      const now = loadRecord(record.id);
      return { pod: now ? toPod(now) : null };
    },
    async 'pod.exec'(params, { caller, lane, signal }) {
      return { exitCode: await exec(findRecord(params.pod, caller), params, { terminal: lane(0), sizes: lane(1), errors: lane(2) }, signal) };
    },
    async 'pod.attach'(params, { caller, lane, signal }) {
      return await attach(findRecord(params.pod, caller), params, { terminal: lane(0, viewWindowBytes), sizes: lane(1), errors: lane(2) }, signal);
    },
    async 'pod.terminals'({ pod }, { caller }) {
      return await listTerminals(findRecord(pod, caller));
    },
    async 'pod.terminal-history'(params, { caller, lane }) {
      return await terminalHistory(findRecord(params.pod, caller), params, lane(0));
    },
    async 'pod.close-terminal'({ pod, window }, { caller }) {
      await closeTerminal(findRecord(pod, caller), window);
      return {};
    },
    async 'pod.display'({ pod }, { caller, lane, signal }) {
      return await streamDisplay(findRecord(pod, caller), lane(0), signal);
    },
    async 'pod.logs'({ pod, lines }, { caller }) {
      return { files: readLogs(findRecord(pod, caller), lines) };
    },

    async 'preflight.source'({ pod, willRun }, { caller }) {
      return await preflightSource(findRecord(pod, caller), environments, willRun);
    },
    async 'preflight.cpu'({ pod, flags }, { caller }) {
      return { uses: await cpuUseOf(findRecord(pod, caller), flags) };
    },
    async 'preflight.target'({ demand }) {
      const [{ findings, ...answer }, ofNeighbours] = await Promise.all([preflightTarget(demand, environments), neighbourFindings(demand)]);
      return { findings: [...findings, ...ofNeighbours], ...answer };
    },

    'transfer.outcome': async (params, { caller }) => outcomeOf(params, caller),
    'transfer.tell': (params, { caller }) => tell(params, caller, (transfer) => void takeUpAgain(transfer, environments)),
    'transfer.receive': (params, { caller, lane, signal, event }) => receive(params, { caller, environments, signal, relay: () => lane(0) }, event),
    'transfer.send': (params, { caller, lane, signal, event }) => send(params, { caller, environments, signal, relay: () => lane(0) }, event),
  };
}
