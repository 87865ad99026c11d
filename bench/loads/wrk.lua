-- With an argument, each request has content of so many bytes.
function init(args)
  if args[1] then
    wrk.method = 'POST'
    wrk.body = string.rep('\0', tonumber(args[1]))
  end
end

-- What wrk found, as JSON behind a marker: its own words round to three digits.
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\n@@{"requests":%d,"microseconds":%d,"bytes":%d,"p50":%d,"p99":%d,"errors":%d}\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
