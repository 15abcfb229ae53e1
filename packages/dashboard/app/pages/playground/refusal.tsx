import { ApiFailure, messageOf } from '../../api/failure.ts';
import { layOut } from '../../json/layout.ts';
import { isRecord, stringify } from '../../json/numeral.ts';
import { type Position, positionOf } from '../../json/position.ts';
import { Button } from '../../ui/index.ts';

export interface RefusalProps {
  readonly error: Error;
  /** The text that was sent. */
  readonly text: string;
  readonly goTo: (position: Position) => void;
  readonly openJob: (id: string) => void;
}

interface WrongMember {
  readonly path: string;
  readonly message: string;
}

/** The refused part and the reason, in the server's words, with the places in the text. */
export function Refusal({ error, text, goTo, openJob }: RefusalProps) {
  if (!(error instanceof ApiFailure)) {
    return (
      <div className="failure" role="alert">
        {messageOf(error)}
      </div>
    );
  }
  const { code, status, message, hint, requestId, details } = error;
  const { validation_errors: wrong, existing_job_id: existing, ...more } = details;
  const members: readonly WrongMember[] = Array.isArray(wrong) ? wrong.filter(isWrongMember) : [];
  const isInMembers = members.some((member) => message === `${member.path}: ${member.message}`);
  return (
    <div className="failure" role="alert">
      <p>
        <strong>{code}</strong>
        {status > 0 && ` HTTP ${status}`}
      </p>
      {!isInMembers && <p>{message}</p>}
      {members.length > 0 && (
        <ul className="wrong-members">
          {members.map((member) => (
            <li key={member.path + member.message}>
              <code>{member.path}</code> {member.message} <Place position={positionOf(text, member.path)} goTo={goTo} />
            </li>
          ))}
        </ul>
      )}
      {Object.keys(more).length > 0 && <pre>{layOut(stringify(more))}</pre>}
      {hint !== undefined && <p className="hint">{hint}</p>}
      {requestId !== undefined && <p className="small">Request {requestId}</p>}
      {typeof existing === 'string' && (
        <div>
          <Button size="small" onClick={() => openJob(existing)}>
            Show the existing job
          </Button>
        </div>
      )}
    </div>
  );
}

interface PlaceProps {
  readonly position: Position | null;
  readonly goTo: (position: Position) => void;
}

/** A button that leads to a place in the editor. */
export function Place({ position, goTo }: PlaceProps) {
  if (position === null) return null;
  return (
    <Button size="small" onClick={() => goTo({ ...position })}>
      Line {position.line}, column {position.column}
    </Button>
  );
}

function isWrongMember(value: unknown): boolean {
  return isRecord(value) && typeof value.path === 'string' && typeof value.message === 'string';
}
