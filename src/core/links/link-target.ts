/** Where a link button of ours leads: to the customer's tracking page, marked as coming from WhatsApp. */

/**
 * @param portalUrl base of the portal
 * @param trackingId absent = the portal itself
 */
export function linkTarget(portalUrl: string, trackingId: string | undefined): string {
  const url = new URL(`${portalUrl.replace(/\/$/, '')}/${encodeURIComponent(trackingId ?? '')}`)
  url.searchParams.set('source', 'whatsapp')
  return url.href
}
