import { Button } from './button.tsx';
import { dismissToast, toasts } from './toasts.ts';

export function ToastList() {
  const shown = toasts.useValue();
  return (
    <section className="toasts" aria-live="polite" aria-label="Notifications">
      {shown.map(({ id, kind, text, action }) => (
        <div key={id} className="toast" data-kind={kind} role={kind === 'failed' ? 'alert' : 'status'}>
          <p>{text}</p>
          {action && (
            <Button
              size="small"
              onClick={() => {
                dismissToast(id);
                action.run();
              }}
            >
              {action.label}
            </Button>
          )}
          <Button size="small" kind="plain" aria-label="Dismiss" onClick={() => dismissToast(id)}>
            ✕
          </Button>
        </div>
      ))}
    </section>
  );
}
