-- wrk: paced requests with fresh seeds, counting answers by kind. After `--`: images, first seed, pause in ms.
local count, seed, pause = 16, 0, 0
local threads = {}
served, refused, other = 0, 0, 0

function setup(thread)
   table.insert(threads, thread)
end

function init(args)
   count, seed, pause = tonumber(args[1]), tonumber(args[2]), tonumber(args[3])
   wrk.method = "POST"
end

function delay()
   return math.random() * 2 * pause
end

function request()
   seed = seed + count
   return wrk.format(nil, "/generate", nil, string.format('{"seed": %d, "count": %d}', seed % 4294000000, count))
end

function response(status)
   if status == 200 then served = served + 1
   elseif status == 503 then refused = refused + 1
   else other = other + 1 end
end

function done(summary, latency, requests)
   local s, r, o = 0, 0, summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
   for _, thread in ipairs(threads) do
      s, r, o = s + thread:get("served"), r + thread:get("refused"), o + thread:get("other")
   end
   io.write(string.format("\nRESULT {\"served\": %d, \"refused\": %d, \"other\": %d, \"seconds\": %.6f}\n",
      s, r, o, summary.duration / 1e6))
end
