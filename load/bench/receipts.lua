-- wrk script: fetch receipts of entries chosen at random. Arguments after "--": the number of entries.
-- Meant for one thread (-t1). The last line printed is for load/bench/wrk.py.

local threads = {}

function setup(thread)
   threads[#threads + 1] = thread
end

function init(args)
   size = tonumber(args[1])
   good, other = 0, 0
   math.randomseed(1)
end

function request()
   return wrk.format("GET", "/v1/entries/" .. math.random(0, size - 1) .. "/receipt")
end

function response(status)
   if status == 200 then
      good = good + 1
   else
      other = other + 1
   end
end

function done(summary, latency)
   local thread = threads[1]
   io.write(string.format(
      '{"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,"lost":%d,"repeated":%d,"other":%d}\n',
      summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
      summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
      thread:get("good"), thread:get("other")))
end
