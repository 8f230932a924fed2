/** The one context menu, for what was right-clicked or whose ⋯ was pressed: the same commands in the same order everywhere. */
import { useRef } from 'react';
import { Header, Keyboard, Menu, MenuItem, MenuSection, Popover, Separator, Text } from 'react-aria-components';
import { commandIds, commands, type CommandId } from '../../main/contract/commands';
import { useText } from '../i18n/text';
import { desk, useDesk, type ContextMenu as Target } from '../state/desk';
import { actions } from './actions';
import { formatKeys } from './keys';
import { applies, contextOf, run } from './run';

export function openMenu(target: Target['target'], at: { x: number; y: number }): void {
  desk.setState({ menu: { target, ...at } });
}

/** Beside an element, for keys and buttons. */
export function openMenuAt(target: Target['target'], element: Element): void {
  const { left, bottom } = element.getBoundingClientRect();
  openMenu(target, { x: left, y: bottom + 4 });
}

export function ContextMenu() {
  const menu = useDesk((state) => state.menu);
  const t = useText();
  const anchor = useRef<HTMLSpanElement>(null);
  const close = (): void => desk.setState({ menu: undefined });
  return (
    <>
      <span ref={anchor} className="menu-anchor" style={{ insetInlineStart: menu?.x ?? 0, insetBlockStart: menu?.y ?? 0 }} aria-hidden />
      {menu && (
        <Popover className="popover" aria-label={t('common.actions')} triggerRef={anchor} isOpen onOpenChange={(isOpen) => !isOpen && close()} placement="bottom start" offset={0}>
          <Items menu={menu} onClose={close} />
        </Popover>
      )}
    </>
  );
}

function Items({ menu, onClose }: { menu: Target; onClose: () => void }) {
  const t = useText();
  const context = contextOf(menu.target);
  const target = 'pods' in menu.target ? 'pod' : 'host' in menu.target ? 'host' : 'task';
  const fitting = commandIds.filter((id) => commands[id].target === target && applies(id, context));
  const usual = fitting.filter((id) => commands[id].isDangerous !== true);
  const dangerous = fitting.filter((id) => commands[id].isDangerous === true);
  const item = (id: CommandId) => {
    const Icon = actions[id].icon;
    return (
      <MenuItem key={id} id={id} textValue={t(`command.${id}`)} className={`menu-item${commands[id].isDangerous ? ' menu-danger' : ''}`}>
        <Icon size={15} aria-hidden />
        <Text slot="label" className="grow truncate">
          {t(`command.${id}`)}
        </Text>
        {/* Drawn by the style sheet: they describe the item and are no part of its name. */}
        {commands[id].keys && <Keyboard data-keys={formatKeys(commands[id].keys)} />}
      </MenuItem>
    );
  };
  return (
    <Menu
      className="menu"
      aria-label={t('common.actions')}
      autoFocus="first"
      onAction={(key) => {
        onClose();
        run(key as CommandId, contextOf(menu.target));
      }}
    >
      {context.pods.length > 1 ? (
        <MenuSection>
          <Header className="menu-head">{t('overview.selected', { count: context.pods.length })}</Header>
          {usual.map(item)}
        </MenuSection>
      ) : (
        <>{usual.map(item)}</>
      )}
      {dangerous.length > 0 && <Separator className="menu-line" />}
      {dangerous.map(item)}
    </Menu>
  );
}
