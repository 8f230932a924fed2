/** How a POD is on the network. */
import type { Network } from '../../main/contract';
import { useText } from '../i18n/text';
import { Cards, TextField } from '../ui/field';

export interface NetworkDraft {
  profile: Network['profile'];
  /** Of `lan`, with the length of its prefix: 192.0.2.7/24. */
  address: string;
  gateway: string;
}

const octet = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const ipv4 = new RegExp(`^${octet}(?:\\.${octet}){3}$`);
const withPrefix = new RegExp(`^(${octet}(?:\\.${octet}){3})/([1-9]|[12]\\d|3[0-2])$`);

/** Undefined while it is not whole. */
export function toNetwork({ profile, address, gateway }: NetworkDraft): Network | undefined {
  if (profile !== 'lan') return { profile };
  const match = withPrefix.exec(address.trim());
  if (!match || (gateway.trim() !== '' && !ipv4.test(gateway.trim()))) return undefined;
  return { profile, address: match[1]!, prefixLength: Number(match[2]), ...(gateway.trim() === '' ? {} : { gateway: gateway.trim() }) };
}

export function NetworkFields({ draft, onChange }: { draft: NetworkDraft; onChange: (draft: NetworkDraft) => void }) {
  const t = useText();
  const isBad = draft.profile === 'lan' && draft.address !== '' && toNetwork(draft) === undefined;
  return (
    <>
      <Cards<Network['profile']>
        label={t('pod.network')}
        columns={3}
        value={draft.profile}
        onChange={(profile) => onChange({ ...draft, profile })}
        options={[
          { value: 'nat', label: t('network.nat'), detail: t('network.nat-note') },
          { value: 'lan', label: t('network.lan'), detail: t('network.lan-note') },
          { value: 'none', label: t('network.none'), detail: t('network.none-note') },
        ]}
      />
      {draft.profile === 'lan' && (
        <div className="field-row">
          <TextField label={t('network.address')} isMono placeholder="192.168.1.50/24" value={draft.address} onChange={(address) => onChange({ ...draft, address })} error={isBad ? t('network.bad-address') : undefined} />
          <TextField label={t('network.gateway')} isMono placeholder="192.168.1.1" value={draft.gateway} onChange={(gateway) => onChange({ ...draft, gateway })} />
        </div>
      )}
    </>
  );
}
