import { Button, copyText, Dialog } from '../../ui/index.ts';

/** The command that writes the jobs of a query to a file: the server streams them, however many they are. */
export function Export({ command, onClose }: { readonly command: string; readonly onClose: () => void }) {
  const foot = (
    <>
      <Button onClick={() => void copyText(command, 'the command')}>Copy</Button>
      <Button kind="primary" onClick={onClose}>
        Done
      </Button>
    </>
  );
  return (
    <Dialog title="Export the jobs that match" onClose={onClose} foot={foot}>
      <p>Run this command. It writes all jobs of the query to a file, one JSON object a line.</p>
      <pre className="written">{command}</pre>
      <p className="soft small">
        The command line needs the address of the server in <code>OJS_BACKEND_URL</code>, and a token in{' '}
        <code>OJS_AUTH_TOKEN</code> where the server asks for one.
      </p>
    </Dialog>
  );
}
