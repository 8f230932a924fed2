/** Tabs of a page; which one is open is part of the address. */
import type { LucideIcon } from 'lucide-react';
import type { ReactNode } from 'react';
import { Tab, TabList, TabPanel, Tabs as AriaTabs } from 'react-aria-components';

export interface TabItem<Id extends string> {
  id: Id;
  label: string;
  icon: LucideIcon;
  content: () => ReactNode;
}

export function Tabs<Id extends string>({ label, items, selected, onSelect }: { label: string; items: readonly TabItem<Id>[]; selected: Id; onSelect: (id: Id) => void }) {
  return (
    <AriaTabs className="tabs" selectedKey={selected} onSelectionChange={(key) => onSelect(key as Id)}>
      <TabList className="tab-list" aria-label={label}>
        {items.map(({ id, label: name, icon: Icon }) => (
          <Tab key={id} id={id} className="tab">
            <Icon size={15} aria-hidden />
            {name}
          </Tab>
        ))}
      </TabList>
      {items.map(({ id, content }) => (
        <TabPanel key={id} id={id} className="tab-panel">
          {id === selected && content()}
        </TabPanel>
      ))}
    </AriaTabs>
  );
}
