#!lua
-- With admission.
-- ARGV[1]: packed { now, steps }; a step is { workflow, index, events } with the job that starts a ready node, or with
-- how it closes without one: the letter of its state, passes, result, error, and where the workflow ends with it its
-- state `ends` and `text`; `failed` where only with so many of its dependencies that did not pass. Answers of each:
-- done, inserted, ready.
local request = unpacked(ARGV[1])
local now = request.now
local out = {}
for i, step in ipairs(request.steps) do
  local id, index = step.workflow, int(step.index)
  local node = graph.ready(id, index)
  local done, inserted, ready = false, false, {}
  if node and step.job then
    inserted = insert_always(step.job, now)
    done = inserted.kind == 'inserted'
    if done then graph.start(id, index, node) end
  elseif node and (not step.failed or step.failed == graph.failed(id, index)) then
    done = true
    ready = graph.shut(id, index, node, step, now)
  end
  if done then
    for _, entry in ipairs(step.events) do tell(entry) end
  end
  out[i] = { done, inserted, ready }
end
local answer = pack(out)
finish(now)
return answer
