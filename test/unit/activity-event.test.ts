import { expect } from 'chai'
import {
  type Activity,
  type ActivitySubject,
  activityPayload,
  activityRecord,
} from '../../src/core/activity/activity-event.ts'

const root: ActivitySubject = {
  id: 57,
  reference: 'AbCdEfGhIjKlMnOpQrSt_-',
  accountId: 379,
  messageId: 'wamid.ROOT',
  rootMessageId: null,
  rootOutgoingId: null,
  businessPhone: '+911140001234',
  customerPhone: '+919810012345',
  snapshot: {
    accountSlug: 'acme-store',
    customerName: 'Asha Nair',
    customerPhone: '9810012345',
    email: 'asha.nair@example.com',
    orderNumber: '#98079',
    orderId: '48884718',
    trackingId: '1704612602165',
    externalShipmentId: '4980116095129-90758',
    customerOrderNumber: '4980116095129',
    channelId: '1299',
    status: 'failed_delivery',
  },
  sentAt: null,
  deliveredAt: null,
  readAt: null,
}
const followUp: ActivitySubject = {
  ...root,
  id: 58,
  reference: 'ZzCdEfGhIjKlMnOpQrSt_-',
  messageId: 'wamid.FOLLOW',
  rootMessageId: 'wamid.ROOT',
  rootOutgoingId: 57,
}
const at = new Date('2023-06-08T06:30:00Z')

interface Event {
  [key: string]: unknown
  response_data: Record<string, unknown>
}
const eventOf = (subject: ActivitySubject, activity: Partial<Activity> = {}): Event =>
  JSON.parse(activityPayload(activityRecord(subject, { eventSubType: 'sent', at, ...activity }), 1)) as Event
const dataOf = (subject: ActivitySubject, activity: Partial<Activity> = {}) => eventOf(subject, activity).response_data
const idOf = (subject: ActivitySubject, activity: Partial<Activity> = {}) =>
  activityRecord(subject, { eventSubType: 'sent', at, ...activity }).eventId

/** Exactly as consumers have it, odd spellings included; the order of the fields is part of what they see. */
const golden =
  '{"resource":"customer_notification","eventType":"POST","eventSubType":"sent","accountSlug":"acme-store",' +
  '"accountId":null,"actor":"Asha Nair","version":"v1","response_data":{"vendorOrderNumber":"#98079",' +
  '"order_id":48884718,"account_id":379,"notification_type":"whatsApp","messagedId":"wamid.ROOT","isRootMessage":1,' +
  '"status":"failed_delivery","customerName":"Asha Nair","failureReason":"","customerContactNumber":"9810012345",' +
  '"email":"asha.nair@example.com","forwardTrackingID":"1704612602165","externalShipmentID":"4980116095129-90758",' +
  '"customerOrderNumber":"4980116095129","channelId":"1299","account_slug":"acme-store","timestamp":"08-06-2023",' +
  '"from":"911140001234","to":"919810012345","conversationId":"57","sequence":3},"account_slug":"acme-store"}'

describe('activity event', () => {
  it('is exactly the event that consumers know', () => {
    const record = activityRecord(root, { eventSubType: 'sent', at })
    expect(activityPayload(record, 3)).to.equal(golden)
    expect(record).to.include({ eventSubType: 'sent', accountId: 379, messageId: 57, rootId: 57 })
  })

  it('a first message and its reports: isRootMessage 1, and no rootMessageId', () => {
    const data = dataOf(root)
    expect(data).to.include({ isRootMessage: 1, messagedId: 'wamid.ROOT' })
    expect(data).to.not.have.property('rootMessageId')
  })

  it('a follow-up: rootMessageId, and isRootMessage absent', () => {
    const data = dataOf(followUp)
    expect(data).to.include({ rootMessageId: 'wamid.ROOT', messagedId: 'wamid.FOLLOW' })
    expect(data).to.not.have.property('isRootMessage')
    expect(activityRecord(followUp, { eventSubType: 'sent', at })).to.include({ messageId: 58, rootId: 57 })
  })

  it('an answer to the first message: its own id, the root, and from the customer to us', () => {
    const data = dataOf(root, { eventSubType: 'Reattempt', reply: { messageId: 'wamid.IN' } })
    expect(data).to.include({ messagedId: 'wamid.IN', rootMessageId: 'wamid.ROOT' })
    expect(data).to.include({ from: '919810012345', to: '911140001234' })
    expect(data).to.not.have.property('isRootMessage')
  })

  it('an answer to a follow-up names the root of the conversation', () => {
    const data = dataOf(followUp, { reply: { messageId: 'wamid.IN' } })
    expect(data).to.include({ messagedId: 'wamid.IN', rootMessageId: 'wamid.ROOT' })
  })

  it('an action carries its name and date', () => {
    const details = { action_taken: 'Select new delivery date', deferredDate: '24-06-2026' }
    expect(dataOf(root, { eventSubType: 'Select new delivery date', details })).to.include(details)
  })

  it('a failure carries its reason', () => {
    expect(dataOf(root, { eventSubType: 'failed', failureReason: 'Not on WhatsApp' })).to.include({
      failureReason: 'Not on WhatsApp',
    })
  })

  it('times of reports appear once they are known', () => {
    const sentAt = new Date('2023-06-08T06:30:00.123Z')
    const deliveredAt = new Date('2023-06-08T06:31:00Z')
    const readAt = new Date('2023-06-08T06:32:00Z')
    expect(dataOf(root)).to.not.have.any.keys('sentOn', 'deliveredAt', 'readAt')
    expect(dataOf({ ...root, sentAt })).to.include({ sentOn: '2023-06-08T06:30:00.123Z' })
    const all = dataOf({ ...root, sentAt, deliveredAt, readAt })
    expect(all).to.include({ deliveredAt: '2023-06-08T06:31:00.000Z', readAt: '2023-06-08T06:32:00.000Z' })
  })

  for (const [time, expected] of [
    ['2026-06-22T18:29:59.999Z', '22-06-2026'],
    ['2026-06-22T18:30:00.000Z', '23-06-2026'],
    ['2026-12-31T18:30:00.000Z', '01-01-2027'],
    ['2028-02-28T18:30:00.000Z', '29-02-2028'],
  ]) {
    it(`${time} is the ${expected} where the couriers are`, () => {
      expect(dataOf(root, { at: new Date(time ?? '') }).timestamp).to.equal(expected)
    })
  }

  for (const [orderId, expected] of [
    ['48884718', 48_884_718],
    ['9007199254740991', 9_007_199_254_740_991],
    ['9007199254740993', '9007199254740993'],
    ['ORD-7', 'ORD-7'],
    [undefined, null],
  ]) {
    it(`order id ${orderId} becomes ${JSON.stringify(expected)}`, () => {
      const { orderId: _, ...snapshot } = root.snapshot
      const given = typeof orderId === 'string' ? { ...snapshot, orderId } : snapshot
      expect(dataOf({ ...root, snapshot: given }).order_id).to.equal(expected)
    })
  }

  it('has every field, empty, when nothing is known of the order', () => {
    const bare = { ...root, snapshot: {}, messageId: null, businessPhone: null, customerPhone: null }
    const { actor, account_slug, response_data } = eventOf(bare)
    expect({ actor, account_slug }).to.deep.equal({ actor: '', account_slug: '' })
    expect(response_data).to.include({ messagedId: '', from: '', to: '', email: '', channelId: '', customerName: '' })
    expect(Object.keys(response_data)).to.deep.equal(Object.keys(dataOf(root)))
  })

  describe('its id', () => {
    it('is a UUID that depends on message, type and discriminator only', () => {
      const id = idOf(root)
      expect(id).to.match(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      expect(idOf({ ...root, id: 99, messageId: 'wamid.LATER' }, { at: new Date(), failureReason: 'x' })).to.equal(id)
    })

    it('is the same in every release: consumers drop repeats by it', () => {
      expect(idOf(root)).to.equal('4c471348-b768-5437-a979-645080dde141')
    })

    it('tells apart messages, types and discriminators', () => {
      const ids = [
        idOf(root),
        idOf(followUp),
        idOf(root, { eventSubType: 'delivered' }),
        idOf(root, { discriminator: 'wamid.IN1' }),
        idOf(root, { discriminator: 'wamid.IN2' }),
      ]
      expect(new Set(ids).size).to.equal(ids.length)
    })
  })
})
