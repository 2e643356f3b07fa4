-- wrk: paced requests with fresh seeds. After `--`: images, first seed (ten digits), pause in ms.
-- It shares the cores with the server, so that it does little: the head is made once, and there is no
-- `response`, for which wrk would lay out every header in Lua.
local count, seed, pause = 16, 0, 0
local head

function init(args)
   count, seed, pause = tonumber(args[1]), tonumber(args[2]), tonumber(args[3])
   local like = string.format('{"seed": %d, "count": %d}', seed, count)
   head = string.format("POST /generate HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n", wrk.host, #like)
end

function delay()
   return math.random() * 2 * pause
end

function request()
   seed = 1000000000 + (seed + count) % 3000000000
   return string.format('%s{"seed": %d, "count": %d}', head, seed, count)
end

function done(summary)
   local refused = summary.errors.status
   local failed = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
   io.write(string.format("\nRESULT {\"served\": %d, \"refused\": %d, \"failed\": %d, \"seconds\": %.6f}\n",
      summary.requests - refused, refused, failed, summary.duration / 1e6))
end
