import type { ComponentProps } from 'react';

interface Look {
  /** `destroy` is the last step before something is lost; `danger` leads to it. */
  readonly kind?: 'default' | 'primary' | 'danger' | 'destroy' | 'plain' | undefined;
  readonly size?: 'default' | 'small' | undefined;
}

export function Button({ kind, size, type = 'button', ...rest }: ComponentProps<'button'> & Look) {
  return <button className="button" data-kind={kind} data-size={size} type={type} {...rest} />;
}
