-- Ports JSON.stringify of a string.
local function quote(text)
  if not string.find(text, '[%c"\\]') then return '"' .. text .. '"' end
  local short = { ['"'] = '\\"', ['\\'] = '\\\\', ['\b'] = '\\b', ['\f'] = '\\f', ['\n'] = '\\n', ['\r'] = '\\r', ['\t'] = '\\t' }
  return '"' .. string.gsub(text, '[%z\1-\31"\\]', function(char) return short[char] or string.format('\\u%04x', string.byte(char)) end) .. '"'
end

-- Events of jobs.
local log = {}
do
  -- Ports core's `jobEventEntry`: the text of an event; `from` is the state before, nil at creation, `data` the text of
  -- an object or nil.
  function log.entry(kind, job, from, data)
    return string.format('["%s","%s","%s","%s",%s,%d,%d,%s,%s,%s,%s]', kind, job.id, job.type, job.queue, from or 'null', job.state, job.attempt,
      job.worker and quote(job.worker) or 'null', job.startedAt and int(job.startedAt) or 'null', job.trace and quote(job.trace) or 'null', data or 'null')
  end

  -- Logs an event of a job. Ports core's `EventEntries`: an event that differs from the last one of the batch in its job
  -- alone is written as the id.
  function log.job(kind, job, from, data)
    if not logged then return end
    local l = alike
    if l and l[1] == kind and l[2] == from and l[3] == data and l[4] == job.state and l[5] == job.attempt and l[6] == job.startedAt
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
  end
end
