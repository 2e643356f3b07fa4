-- wrk: every request has a seed of its own. Arguments after `--`: images a request, first seed.
local count, seed = 1, 0
local threads = 0

function setup(thread)
   thread:set("offset", threads * 50000000)
   threads = threads + 1
end

function init(args)
   count = tonumber(args[1])
   seed = tonumber(args[2]) + (offset or 0)
   wrk.method = "POST"
   wrk.headers["Content-Type"] = "application/json"
end

function request()
   seed = seed + count
   return wrk.format(nil, "/generate", nil, string.format('{"seed": %d, "count": %d}', seed % 4294000000, count))
end

function done(summary, latency, requests)
   local errors = summary.errors
   io.write(string.format(
      "\nRESULT {\"requests\": %d, \"seconds\": %.6f, \"p50_ms\": %.4f, \"p99_ms\": %.4f, \"failed\": %d}\n",
      summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
      errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
