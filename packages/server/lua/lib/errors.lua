-- Jobs that failed, by the fingerprints of their errors: `fingerprints` has that of each job. A group is the jobs with
-- one fingerprint, state, queue and type: the sorted set e:<group>, with the scores of s:<state>. `errors` has the
-- groups in the order of their names, so those of a fingerprint, or of a message, are beside each other.
local at_end, call, cells, p, set_score, write_pending = require('common')
local errors = {}
do
  local touched = {}

  function errors.group(fingerprint, list, queue, type)
    return fingerprint .. ' ' .. list .. ' ' .. queue .. ' ' .. type
  end

  -- Fingerprint, state or `dead`, queue and type of a group.
  function errors.parts(group) return string.match(group, '^(%x+) (%w+) (%S+) (%S+)$') end

  -- The groups of a fingerprint or of the first digits of one.
  function errors.groups(digits) return call('ZRANGEBYLEX', p .. 'errors', '[' .. digits, '(' .. digits .. 'g') end

  -- Adds a job, or removes it with a score of false. `list` is its state, or `dead`.
  function errors.set(job, list, ref, score)
    local group = errors.group(job.fingerprint, list, job.queue, job.type)
    set_score(p .. 'e:' .. group, ref, score)
    cells.set('fingerprints', job.id, score and job.fingerprint or false)
    touched[group] = true
  end

  at_end[#at_end + 1] = function()
    for group in pairs(touched) do
      local key = p .. 'e:' .. group
      write_pending(key)
      set_score(p .. 'errors', group, call('ZCARD', key) > 0 and 0)
    end
    touched = {}
  end
end

return errors
