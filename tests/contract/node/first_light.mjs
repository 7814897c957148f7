// Two people, five failed calls of one and four of the other, through the real @segment/analytics-node.
import { Analytics } from '@segment/analytics-node'

const [host, writeKey] = process.argv.slice(2)
const errors = []
const analytics = new Analytics({ host, writeKey, maxRetries: 0, flushInterval: 50 })
analytics.on('error', (error) => errors.push(String(error.reason ?? error)))

let sent = 0
for (const [userId, name] of [['ann', 'Ann'], ['bob', 'Bob']]) {
  analytics.identify({ userId, traits: { name, email: `${userId}@example.com` } })
  sent += 1
}
for (const [userId, count] of [['ann', 5], ['bob', 4]]) {
  for (let i = 0; i < count; i += 1) {
    analytics.track({ userId, event: 'api_call', properties: { method: 'POST', path: '/v1/charges/42', status: 400 } })
    sent += 1
  }
}
await analytics.closeAndFlush({ timeout: 10_000 })
console.log(JSON.stringify({ sent, errors }))
