-- A job's history and the texts that go into it. `history` of a job is its entries, joined by commas.
local int = require('common')
local history = {}
do
  -- Ports core's `formatTimestamp`. Lua has no calendar: days since 1970 become a date whose year begins in March
  -- ("civil from days", https://howardhinnant.github.io/date_algorithms.html).
  function history.timestamp(ms)
    local days = math.floor(ms / 86400000)
    local rest = ms - days * 86400000
    local z = days + 719468
    local era = math.floor(z / 146097)
    local doe = z - era * 146097
    local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
    local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
    local mp = math.floor((5 * doy + 2) / 153)
    local month = mp < 10 and mp + 3 or mp - 9
    local year = yoe + era * 400 + (month <= 2 and 1 or 0)
    return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', year, month, doy - math.floor((153 * mp + 2) / 5) + 1,
      math.floor(rest / 3600000), math.floor(rest / 60000) % 60, math.floor(rest / 1000) % 60, rest % 1000)
  end

  -- Ports JSON.stringify(ms / 1000).
  function history.seconds(ms)
    local size = math.abs(ms)
    local text = int(math.floor(size / 1000))
    local digits = string.gsub(string.format('.%03d', size % 1000), '0+$', '')
    return (ms < 0 and '-' or '') .. text .. (digits == '.' and '' or digits)
  end

  -- Ports core's `elements`: the texts of a JSON array without its brackets.
  local function elements(text)
    local found, depth, from, at = {}, 0, 1, 1
    while true do
      local _, char
      at, _, char = string.find(text, '(["%[%]{},])', at)
      if not at then break end
      if char == '"' then
        repeat
          at, _, char = string.find(text, '(["\\])', at + 1)
          if char == '\\' then at = at + 1 end
        until char == '"'
      elseif char == '[' or char == '{' then
        depth = depth + 1
      elseif char == ',' then
        if depth == 0 then
          found[#found + 1] = string.sub(text, from, at - 1)
          from = at + 1
        end
      else
        depth = depth - 1
      end
      at = at + 1
    end
    found[#found + 1] = string.sub(text, from)
    return found
  end

  local function has_error(entry)
    for _, member in ipairs(elements(string.sub(entry, 2, -2))) do
      if string.sub(member, 1, 8) == '"error":' then return true end
    end
    return false
  end

  -- Ports core's `appendHistory`: 20 entries stay, of these at least ten errors where there are so many.
  function history.append(known, entry)
    if known == '' then return entry end
    local all = elements(known)
    all[#all + 1] = entry
    if #all <= 20 then return known .. ',' .. entry end
    local errors, victim = 0, nil
    for i, one in ipairs(all) do
      if has_error(one) then errors = errors + 1 elseif not victim then victim = i end
    end
    if errors > 10 then victim = 1 end
    if victim then table.remove(all, victim) end
    return table.concat(all, ',')
  end

  -- Ports core's `errorText` of a failure without `retryable` and backtrace.
  function history.error_text(code, message, attempt, at, details)
    local time = history.timestamp(at)
    return table.concat({
      '{"code":"', code, '","type":"', code, '","message":"', message, '","attempt":', attempt,
      ',"occurred_at":"', time, '","timestamp":"', time, '"',
      details and ',"details":' .. details or '', '}',
    })
  end

  -- Ports core's `timeoutDetails`.
  function history.timeout_details(kind, limit, elapsed)
    return '{"timeout_kind":"' .. kind .. '","limit_seconds":' .. history.seconds(limit) .. ',"elapsed_seconds":'
      .. history.seconds(elapsed) .. '}'
  end
end

return history
