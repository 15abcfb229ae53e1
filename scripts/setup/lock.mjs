import {
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const beatMs = 2_000;
const pollMs = 200;
/**
 * A lock that nobody touches for 30 s is nobody's: after a restart of the machine its number may be that of another
 * process.
 */
const silentPolls = 150;

/**
 * Runs `task` while no other command runs one on this folder, and removes the folder where the task left it empty. A
 * lock whose holder is dead is taken over. It only saves work: two that install at once, because one of them stood
 * still for 30 s, leave an install that works all the same.
 */
export async function withLock(folder, task) {
  const lock = join(folder, 'lock');
  let told = false;
  let [touched, polls] = [null, 0];
  while (!acquire(folder, lock)) {
    const [holder, at] = [read(lock), touchedAt(lock)];
    if (holder === null || at === null) {
      await pause(10); // Gone since, or a file that cannot be read.
      continue;
    }
    // Counted in polls, not by a clock, which goes on while the machine sleeps.
    [touched, polls] = at === touched ? [at, polls + 1] : [at, 0];
    if (!isAlive(Number(holder)) || polls > silentPolls) {
      remove(lock, holder);
      continue;
    }
    if (!told) console.error(`Another command (process ${holder}) is installing the dependencies; waiting for it…`);
    told = true;
    await pause(pollMs);
  }
  const beat = setInterval(() => touch(lock), beatMs);
  try {
    await task();
  } finally {
    clearInterval(beat);
    if (read(lock) === String(process.pid)) rmSync(lock, { force: true });
    try {
      rmdirSync(folder);
    } catch {} // Another command is in there already.
  }
}

/** The file appears with the holder's number in it: a link is made wholly or, where the name is taken, not at all. */
function acquire(folder, lock) {
  const own = `${lock}-${process.pid}`;
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(own, String(process.pid));
    linkSync(own, lock);
    return true;
  } catch (error) {
    // ENOENT: the command before has removed the folder meanwhile.
    if (error.code === 'EEXIST' || error.code === 'ENOENT') return false;
    throw error;
  } finally {
    rmSync(own, { force: true });
  }
}

/** Removes the lock of a dead holder, unless another command has done so and holds one of its own by now. */
function remove(lock, holder) {
  const aside = `${lock}-of-${holder}-${process.pid}`;
  try {
    renameSync(lock, aside);
    if (read(aside) !== holder) linkSync(aside, lock);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function isAlive(pid) {
  // A container's numbers begin anew with each start, so a dead holder's may be our own.
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

function touchedAt(file) {
  try {
    return statSync(file).mtimeMs;
  } catch {
    return null;
  }
}

function touch(file) {
  try {
    utimesSync(file, new Date(), new Date());
  } catch {} // Taken over.
}
