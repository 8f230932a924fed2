/** Every dialog; loaded when the window has been shown. */
import { ShortcutsSheet } from './commands/shortcuts-sheet';
import { AddHostDialog, EvacuateDialog, RemoveHostDialog, UninstallDialog } from './host/host-dialogs';
import { MoveDialog } from './move/move-dialog';
import { PlanSheet } from './move/plan-sheet';
import { CreateDialog } from './pod/create-dialog';
import { CloneDialog, DeleteDialog, RenameDialog, ResumeDialog, RunHereDialog } from './pod/pod-dialogs';
import { SettingsDialog } from './settings/settings-dialog';
import type { Dialog } from './state/desk';
import { LogDialog } from './tasks/log-dialog';

export function OpenDialog({ dialog }: { dialog: Dialog }) {
  switch (dialog.kind) {
    case 'plan':
      return <PlanSheet pods={dialog.pods} to={dialog.to} />;
    case 'move':
      return <MoveDialog pods={dialog.pods} />;
    case 'create':
      return <CreateDialog host={dialog.host} />;
    case 'clone':
      return <CloneDialog id={dialog.pod} />;
    case 'rename':
      return <RenameDialog id={dialog.pod} />;
    case 'resume':
      return <ResumeDialog id={dialog.pod} />;
    case 'delete':
      return <DeleteDialog ids={dialog.pods} />;
    case 'run-here':
      return <RunHereDialog id={dialog.pod} />;
    case 'discard':
      return <DeleteDialog ids={[dialog.pod]} isDiscard />;
    case 'add-host':
      return <AddHostDialog alias={dialog.alias} />;
    case 'remove-host':
      return <RemoveHostDialog host={dialog.host} />;
    case 'uninstall':
      return <UninstallDialog host={dialog.host} />;
    case 'evacuate':
      return <EvacuateDialog host={dialog.host} />;
    case 'log':
      return <LogDialog of={dialog.of} />;
    case 'settings':
      return <SettingsDialog />;
    case 'shortcuts':
      return <ShortcutsSheet />;
  }
}
