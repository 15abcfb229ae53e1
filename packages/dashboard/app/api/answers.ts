import type { BulkAnswers } from './answers/bulk.ts';
import type { CronAnswers } from './answers/crons.ts';
import type { DeadLetterAnswers } from './answers/dead-letter.ts';
import type { EventAnswers } from './answers/events.ts';
import type { JobDetailAnswers } from './answers/job-detail.ts';
import type { JobAnswers, JobListAnswers } from './answers/job-lists.ts';
import type { LimitAnswers } from './answers/limits.ts';
import type { QueueAnswers } from './answers/queues.ts';
import type { SchemaAnswers } from './answers/schemas.ts';
import type { StatisticsAnswers } from './answers/statistics.ts';
import type { SystemAnswers } from './answers/system.ts';
import type { TokenAnswers } from './answers/tokens.ts';
import type { WorkerAnswers } from './answers/workers.ts';
import type { WorkflowAnswers } from './answers/workflows.ts';

/** What the server answers, by operation (docs/http.md). */
export interface Answers
  extends BulkAnswers,
    CronAnswers,
    DeadLetterAnswers,
    EventAnswers,
    JobDetailAnswers,
    JobAnswers,
    JobListAnswers,
    LimitAnswers,
    QueueAnswers,
    SchemaAnswers,
    StatisticsAnswers,
    SystemAnswers,
    TokenAnswers,
    WorkerAnswers,
    WorkflowAnswers {}
