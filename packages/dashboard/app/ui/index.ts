/** The small elements that most pages use. Those with a library behind them have their own imports. */
export * from './badge.tsx';
export * from './button.tsx';
export * from './confirm.tsx';
export * from './copy.tsx';
export * from './dialog.tsx';
export * from './field.tsx';
export * from './form-dialog.tsx';
export * from './links.tsx';
export * from './page.tsx';
export * from './states.tsx';
export * from './time.tsx';
