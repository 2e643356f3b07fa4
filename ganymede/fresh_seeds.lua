-- wrk: every request has a seed of its own. Arguments after `--`: images a request, first seed, path, model.
local count, seed, path, model = 1, 0, "/generate", ""

function init(args)
   count, seed, path = tonumber(args[1]), tonumber(args[2]), args[3]
   if args[4] and args[4] ~= "" then
      model = string.format('"model": "%s", ', args[4])
   end
   wrk.method = "POST"
   wrk.headers["Content-Type"] = "application/json"
end

function request()
   seed = seed + count
   local body = string.format('{%s"seed": %d, "count": %d}', model, seed % 4294000000, count)
   return wrk.format(nil, path, nil, body)
end

function done(summary, latency, requests)
   local errors = summary.errors
   io.write(string.format(
      "\nRESULT {\"requests\": %d, \"seconds\": %.6f, \"p50_ms\": %.4f, \"p99_ms\": %.4f, \"failed\": %d}\n",
      summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
      errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
