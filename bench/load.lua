-- Asks for the paths of a file in turn, from the line on that START names.
local paths = {}
for line in io.lines(os.getenv("PATHS")) do
  paths[#paths + 1] = line
end
local at = tonumber(os.getenv("START"))

request = function()
  at = at % #paths + 1
  return wrk.format("GET", paths[at])
end

done = function(summary)
  local errors = summary.errors
  local broken = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format(
    "RESULT %d %d %d %d\n", summary.requests, summary.duration, errors.status, broken
  ))
end
