import './playground.css';
import { Page as Frame } from '../../ui/page.tsx';
import { Composer } from './composer.tsx';
import { Follow } from './follow.tsx';

export function Page() {
  return (
    <Frame title="Playground" lead="Write a job, a workflow or a cron, send it, and watch what becomes of it.">
      <div className="columns playground">
        <Composer />
        <Follow />
      </div>
    </Frame>
  );
}
