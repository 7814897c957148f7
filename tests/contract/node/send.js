// Sends one call of each kind and COUNT tracks, then ends when everything is delivered or given up.
const { Analytics } = require('@segment/analytics-node')

const [host, writeKey, count] = process.argv.slice(2)
const failures = []
const analytics = new Analytics({ host, writeKey, flushInterval: 100, flushAt: 15, httpRequestTimeout: 10000 })
analytics.on('error', (error) => failures.push(String(error.reason?.message ?? error.reason ?? error)))

analytics.identify({ userId: 'ada', traits: { email: 'ada@example.com', createdAt: new Date(0), name: 'Zoë 😀' } })
analytics.group({ userId: 'ada', groupId: 'acme', traits: { name: 'Acme' } })
analytics.alias({ userId: 'ada', previousId: 'visitor-1' })
analytics.page({ userId: 'ada', category: 'Docs', name: 'Quickstart', properties: { url: 'https://docs.example.com/' } })
analytics.screen({ userId: 'ada', name: 'Home' })
for (let n = 0; n < Number(count); n += 1) {
  analytics.track({ userId: 'ada', event: 'api_call', messageId: `track-${n}`, properties: { path: `/v1/items/${n}`, status: 400 } })
}
analytics.closeAndFlush({ timeout: 30000 }).then(() => console.log(JSON.stringify({ failures })))
