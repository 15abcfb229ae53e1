import { type ReactNode, useEffect } from 'react';

export interface PageProps {
  readonly title: string;
  /** Beside the title: a state, a badge. */
  readonly aside?: ReactNode;
  readonly actions?: ReactNode;
  readonly lead?: ReactNode;
  readonly children: ReactNode;
}

/** The frame of a page: its title, also of the window, and its actions. */
export function Page({ title, aside, actions, lead, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · ojs`;
  }, [title]);
  return (
    <>
      <header className="page-head">
        <h1>{title}</h1>
        {aside}
        {actions && <div className="actions">{actions}</div>}
        {lead && <p>{lead}</p>}
      </header>
      {children}
    </>
  );
}

export interface CardProps {
  readonly title: string;
  readonly aside?: ReactNode;
  readonly children: ReactNode;
}

export function Card({ title, aside, children }: CardProps) {
  return (
    <section className="card" aria-label={title}>
      <div className="card-head">
        <h2>{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  );
}

export interface TileProps {
  readonly label: string;
  readonly value: ReactNode;
  readonly note?: ReactNode;
  readonly tone?: 'bad' | 'warn';
}

/** One figure with its name. */
export function Tile({ label, value, note, tone }: TileProps) {
  return (
    <div className="tile" data-tone={tone}>
      <span className="label">{label}</span>
      <span className="value">{value}</span>
      {note && <span className="note">{note}</span>}
    </div>
  );
}
