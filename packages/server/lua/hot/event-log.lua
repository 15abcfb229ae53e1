local alike, alike_member, entries, events, int, last_id, note_kind = require('common')

-- Ports JSON.stringify of a string.
local function quote(text)
  if not string.find(text, '[%c"\\]') then return '"' .. text .. '"' end
  local short = { ['"'] = '\\"', ['\\'] = '\\\\', ['\b'] = '\\b', ['\f'] = '\\f', ['\n'] = '\\n', ['\r'] = '\\r',
    ['\t'] = '\\t' }
  local function escaped(char) return short[char] or string.format('\\u%04x', string.byte(char)) end
  return '"' .. string.gsub(text, '[%z\1-\31"\\]', escaped) .. '"'
end

-- Events of jobs, and of members of workflows.
local log = {}
do
  -- Ports core's `jobEventEntry`: the text of an event; `from` is the state before, nil at creation, `data` the text of
  -- an object or nil.
  function log.entry(kind, job, from, data)
    return string.format('["%s","%s","%s","%s",%s,%d,%d,%s,%s,%s,%s]', kind, job.id, job.type, job.queue,
      from or 'null', job.state, job.attempt, job.worker and quote(job.worker) or 'null',
      job.startedAt and int(job.startedAt) or 'null', job.trace and quote(job.trace) or 'null', data or 'null')
  end

  -- Logs an event of a job. Ports core's `EventEntries`: an event that differs from the last one of the batch in its
  -- job alone is written as the id.
  function log.job(kind, job, from, data)
    if not logged then return end
    last_id = job.id
    local l = alike
    if l and l[1] == kind and l[2] == from and l[3] == data and l[4] == job.state and l[5] == job.attempt
      and l[6] == job.startedAt
      and l[7] == job.worker and l[8] == job.queue and l[9] == job.type and l[10] == job.trace then
      entries[#entries + 1], events = '"' .. job.id .. '"', events + 1
      return
    end
    entries[#entries + 1], events = log.entry(kind, job, from, data), events + 1
    note_kind(kind)
    alike = { kind, from, data, job.state, job.attempt, job.startedAt, job.worker, job.queue, job.type, job.trace }
  end

  -- The same event of further jobs.
  function log.more(ids, first, last)
    if not logged or first > last then return end
    entries[#entries + 1], events = '"' .. table.concat(ids, '","', first, last) .. '"', events + last - first + 1
    last_id = ids[last]
  end

  -- Logs that a member of a workflow has ended. Ports core's `nodeEvents` and `EventEntries.node`: behind the event of
  -- its job, an event that differs from the last such one in its job and five numbers alone is written as these.
  function log.member(flow, name, index, job, passed, now)
    if not logged then return end
    local completed, other = tonumber(flow.c), flow.f + flow.x
    local left = math.max(0, flow.t - completed - other)
    local duration = job.startedAt and int(math.max(0, now - job.startedAt))
    local l = alike_member
    if last_id == job.id and l and l[1] == flow and l[2] == passed and l[3] == job.type and l[4] == job.queue
      and l[5] == (duration ~= nil) then
      entries[#entries + 1] = string.format(
        '[%s,%s,%s,%d,%d,%d]', index, name, duration or 'null', completed, other, left)
    else
      local is_unordered = flow.k == '"group"' or flow.k == '"batch"'
      local kind = (is_unordered and 'workflow.job' or 'workflow.step') .. (passed and '_completed' or '_failed')
      local place = is_unordered
          and string.format('"job_index":%s,"completed_count":%d,"failed_count":%d,"total_count":%d', index, completed,
            other, flow.t)
        or '"step_index":' .. index
      entries[#entries + 1] = table.concat({
        '["', kind, '",', flow.i, ',null,"', job.queue, '",null,null,0,null,null,null,',
        '{"workflow_id":', flow.i, ',"workflow_name":', flow.n, ',"workflow_type":', flow.k,
        ',"job_id":"', job.id, '","job_type":"', job.type, '",', duration and '"duration_ms":' .. duration .. ',' or '',
        '"step_id":', name, ',"step_type":"', job.type, '",', place, string.format(',"steps_remaining":%d}]', left),
      })
      note_kind(kind)
      alike_member = is_unordered and { flow, passed, job.type, job.queue, duration ~= nil } or nil
    end
    events, last_id = events + 1, nil
  end
end
