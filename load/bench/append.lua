-- wrk script: post statements from a file (one a line), each sent once, and count the answers by status.
-- Arguments after "--": the file. Meant for one thread (-t1). The last line printed is for load/bench/wrk.py.

local threads = {}

function setup(thread)
   threads[#threads + 1] = thread
end

function init(args)
   next_line = io.lines(args[1])
   headers = { ["Content-Type"] = "application/jose" }
   asked, sent, exhausted = 0, 0, 0
   created, repeated, other = 0, 0, 0
end

-- wrk calls this once before it opens a connection, to look at the request, and does not send what it gets: that
-- line is handed out again.
function request()
   asked = asked + 1
   if asked ~= 2 and exhausted == 0 then
      local line = next_line()
      if line then
         held = line
      else
         exhausted = 1
         wrk.thread:stop()
      end
   end
   if asked > 1 and exhausted == 0 then
      sent = sent + 1
   end
   return wrk.format("POST", "/v1/statements", headers, held)
end

function response(status)
   if status == 201 then
      created = created + 1
   elseif status == 200 then
      repeated = repeated + 1
   else
      other = other + 1
   end
end

function done(summary, latency)
   local thread = threads[1]
   io.write(string.format(
      '{"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,"lost":%d,' ..
      '"sent":%d,"exhausted":%d,"created":%d,"repeated":%d,"other":%d}\n',
      summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
      summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
      thread:get("sent"), thread:get("exhausted"),
      thread:get("created"), thread:get("repeated"), thread:get("other")))
end
