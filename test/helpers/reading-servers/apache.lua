-- Answers any request, and keeps its content in hex for the log.

function answer(r)
  return apache2.OK
end

function keep(r)
  r.notes['content'] = ''
  coroutine.yield()
  while bucket do
    local hex = bucket:gsub('.', function(byte) return string.format('%02x', byte:byte()) end)
    r.notes['content'] = r.notes['content'] .. hex
    coroutine.yield(bucket)
  end
end
