import type { ComponentProps } from 'react';

interface Look {
  /** `destroy` is the last step before something is lost; `danger` leads to it. */
  readonly kind?: 'default' | 'primary' | 'danger' | 'destroy' | 'plain' | undefined;
  readonly size?: 'default' | 'small' | undefined;
  /** True while its action runs. It does nothing then, and keeps the focus, which `disabled` would lose. */
  readonly busy?: boolean;
}

export function Button({
  kind,
  size,
  type = 'button',
  busy = false,
  onClick,
  ...rest
}: ComponentProps<'button'> & Look) {
  return (
    <button
      className="button"
      data-kind={kind}
      data-size={size}
      type={type}
      aria-disabled={busy || undefined}
      onClick={busy ? (event) => event.preventDefault() : onClick}
      {...rest}
    />
  );
}
