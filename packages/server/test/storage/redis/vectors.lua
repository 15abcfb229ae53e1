-- What a test calls: the functions of lua/lib that port a rule of core, by the name of core's function.
local call, entries, finish, int, last_id, p = require('common')
local log, quote = require('event-log')
local statistics = require('statistics')
local admission = require('admission')
local history = require('history')
local jobs = require('jobs')
local limit_groups = require('limit-groups')
local limits = require('limits')
local transitions = require('transitions')
local workflows = require('workflows')
local rules = {}

local function numbers_of(numbers)
  local rates = {}
  for i, rate in ipairs(numbers.rates) do rates[i] = { rate.count, rate.perMs } end
  return { concurrency = numbers.concurrency, rates = rates }
end

local function settings_of(settings)
  return { own = numbers_of(settings.own), override = settings.override and numbers_of(settings.override) }
end

local function as_core(numbers)
  local rates = {}
  for i, rate in ipairs(numbers.rates) do rates[i] = { count = rate[1], perMs = rate[2] } end
  return { concurrency = numbers.concurrency, rates = rates }
end

function rules.queueRefusal(v)
  local row = { paused = v.queue.paused, capacity = v.queue.capacity, s2 = v.queue.depth }
  return admission.queue_refusal(v.job, row, v.more, { refusePaused = v.refusePaused })
end

function rules.groupVerdict(v) return admission.group_verdict(v.answers) or v.answers end

function rules.verdict(v) return transitions.verdict(v.job, v.transition) end

function rules.moved(v)
  transitions.move(v.job, v.transition, v.now)
  return v.job
end

function rules.claimed(v)
  transitions.start(v.job, v.claim, v.now)
  return v.job
end

-- The job with its history where the library looks for it.
local function with_history(job)
  job.texts = 0
  jobs.set_text(job, 'history', job.history ~= '' and job.history or nil)
  return job
end

function rules.cancelled(v) return transitions.cancelled(with_history(v.job), v.now) end

function rules.expired(v) return transitions.expired(with_history(v.job), v.job.policy, v.now) end

rules.overdueAt = jobs.overdue_at

function rules.extended(v)
  jobs.extend(v.job, v.leaseMs, v.now)
  return v.job.leaseUntil
end

function rules.jobEventEntry(v) return log.entry('job.failed', v.job, v.from, v.data) end

function rules.formatTimestamp(v) return history.timestamp(v.at) end

function rules.appendHistory(v) return history.append(v.history, v.entry) end

function rules.effectiveLimit(v) return as_core(limits.effective(settings_of(v))) end

function rules.keepMs(v) return limits.keep_ms(settings_of(v)) end

function rules.hasSlot(v) return limits.has_slot({ own = numbers_of(v.numbers) }, v.active) end

-- A key with these starts behind it.
local function key_with(name, numbers, starts)
  limits.make(name).own = numbers
  for _, start in ipairs(starts) do call('RPUSH', p .. 'starts:' .. name, int(start)) end
  return name
end

function rules.reopensAt(v, i) return limits.reopens_at(key_with('reopens' .. i, numbers_of(v.numbers), v.starts), v.now) end

function rules.stampOf(v, i)
  local key = key_with('stamp' .. i, { rates = { { 1, 1000000 } } }, v.starts)
  limits.started(key, v.now)
  return tonumber(call('LINDEX', p .. 'starts:' .. key, -1))
end

function rules.limitGroupOf(v) return limit_groups.keys(limit_groups.of({ limits = v.keys })) end

function rules.sumsOf(v, i)
  local before, queue = v.before or {}, 'q' .. i
  local job = { queue = queue, type = 't', startedAt = before.startedAt }
  statistics.count(job, before.state, v.to, v.now, before.enqueuedAt, (before.attempt or 0) > 0, v.event and { { kind = v.event } })
  finish(v.now)
  local cells = call('HGETALL', p .. 'm:' .. int(math.floor(v.now / 60000) * 60000) .. ':' .. queue .. ',t')
  local names = {
    e = 'enqueued', s = 'started', c = 'completed', f = 'failed', r = 'retried', d = 'discarded', x = 'cancelled', p = 'expired',
    u = 'durationMs', v = 'discardedMs', y = 'cancelledMs', w = 'waitMs', a = 'waitAgainMs',
  }
  local sums = {}
  for at = 1, #cells, 2 do
    local name = names[cells[at]]
    if name then sums[name] = tonumber(cells[at + 1]) else sums.code = tonumber(cells[at]) end
  end
  return sums
end

function rules.codeOf(v) return statistics.code(statistics.completed_code, v.ms) end

function rules.closedAs(v)
  return ({ c = 'completed', x = 'cancelled', f = 'failed' })[workflows.closed_as(v.state)]
end

function rules.nodeEvents(v)
  local workflow, job = v.workflow, v.job
  local flow = {
    i = quote(workflow.id), n = quote(workflow.name), k = quote(workflow.kind),
    t = workflow.total, c = workflow.completed, f = workflow.failed, x = workflow.cancelled,
  }
  last_id = nil
  log.member(flow, quote(v.node.name), int(v.node.index), job, job.state == 16, v.now)
  return { table.remove(entries) }
end

-- With admission. { rule, inputs }; answers what the rule makes of each, false for nothing.
function adding.answers(request)
  local out = {}
  for i, input in ipairs(request.inputs) do out[i] = rules[request.rule](input, i) or false end
  return out
end
