-- Inserts plain jobs, by the short path of plain.lua.
local call, cells, p, pending, plain_scores, store, wake = require('common')
local statistics = require('statistics')
local queues = require('queues')
local segments = require('segments')
local count, holders_in, kind_of, log_run, queue_of, scores = require('plain')
local insert_plain
do

  -- Reports whether no job holds the key in a state that counts. The long way uses what the script has gathered for
  -- the key.
  local function is_free(unique)
    local keys, state = {}, 1
    while state < 256 do
      local key = holders_in(state, unique.key)
      if plain_scores[key] or pending[key] then return false end
      if bit.band(state, unique.states) ~= 0 then keys[#keys + 1] = key end
      state = 2 * state
    end
    return #keys == 0 or call('EXISTS', unpack(keys)) == 0
  end

  local function insert_run(run, n)
    local of, queue = run.kind, run.queue
    segments.made(of.name, of.type, run.first, run.first + n - 1)
    count(queue.row, 's2', n)
    count(statistics.of(of.name, of.type), 'e', n)
    log_run('job.enqueued', nil, { state = 2, attempt = 0, type = of.type, queue = of.name, trace = of.trace },
      run.ids, n)
    wake(of.name)
  end

  -- Returns the kind of a new job that takes the short path: it is available, without a priority, in a queue that takes
  -- every job, and no job holds its key. With `always`, capacity and pause of the queue do not matter.
  local function kind_to_insert(item, known, always)
    local id, bytes, unique = item[1], item[2], item[3]
    if not bytes or #item > 3 or known[id] then return nil end
    local of = kind_of(bytes)
    if of.flags > 1 or (of.rare and not of.keyed and not of.is_node) or of.state ~= 2 or of.priority ~= 0 then
      return nil
    end
    local row = queues.find(of.name)
    if row and not always and (row.capacity or row.paused) or (unique and not is_free(unique)) then return nil end
    return of
  end

  -- Reports whether all jobs of a group take the short path, and no two of them have the same id or key.
  local function is_plain_group(group, known)
    local seen = {}
    for _, item in ipairs(group) do
      local key = item[3] and item[3].key
      if seen[item[1]] or (key and seen[key]) or not kind_to_insert(item, known) then return false end
      seen[item[1]] = true
      if key then seen[key] = true end
    end
    return true
  end

  -- Groups of plain jobs up to the place `last`, each a list of { id, bytes, unique } or one of them. Answers the place
  -- behind the last one that it inserted. The caller has fetched the ids: an unknown one counts as new.
  function insert_plain(groups, at, last, now, out, always)
    local known, changed, inserted = cells.of('jobs'), cells.changed('jobs'), { true }
    local number, place = store.get('number'), store.get('place')
    local listed, m, run, n = nil, 0, nil, 0

    local function add(item, of)
      local id, bytes, unique = item[1], item[2], item[3]
      if not listed then
        listed = scores(p .. 's:2').add
        m = #listed
      end
      if not run or run.kind ~= of then
        if run then insert_run(run, n) end
        run = { kind = of, queue = queue_of(of.name, now), ids = {}, ready = scores(p .. 'ready:' .. of.name).add }
        n = 0
        run.at, run.first = #run.ready, number + 1
      end
      number, place = number + 1, place + 1
      local digits = string.format('%016d', number)
      local ref = digits .. id
      known[id], changed[id] = bytes .. digits, true
      run.ready[run.at + 1], run.ready[run.at + 2] = 1759218604441600 + place, ref
      run.at = run.at + 2
      listed[m + 1], listed[m + 2] = digits, ref
      m, n = m + 2, n + 1
      if unique then
        local held = scores(holders_in(2, unique.key)).add
        held[#held + 1], held[#held + 2] = of.created, ref
      end
      run.ids[n] = id
    end

    while at <= last do
      local group = groups[at]
      if type(group[1]) == 'string' then
        local of = kind_to_insert(group, known, always)
        if not of then break end
        add(group, of)
        out[at] = inserted
      else
        if not is_plain_group(group, known) then break end
        local answers = {}
        for i, item in ipairs(group) do
          add(item, kind_of(item[2]))
          answers[i] = true
        end
        out[at] = answers
      end
      at = at + 1
    end
    if run then
      insert_run(run, n)
      store.set('number', number)
      store.set('place', place)
    end
    return at
  end
end
