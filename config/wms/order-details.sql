-- Details of orders by status log, read from the warehouse system's database (WMS_DATABASE_URL) for messages whose event
-- did not bring them. Names of tables and columns are assumptions (docs/wms-look-up.md): change them here. What the
-- gateway reads are the names after AS; a column that you do not have may be left out, all but statusLogId and accountId:
-- details are only taken for a message of the account that the order belongs to.
SELECT DISTINCT
  l.id AS statusLogId,
  c.account_id AS accountId,
  l.status AS status,
  s.id AS shipmentId,
  s.tracking_id AS trackingId,
  s.external_shipment_id AS externalShipmentId,
  o.id AS orderId,
  o.vendor_order_number AS orderNumber,
  o.customer_order_number AS customerOrderNumber,
  o.customer_name AS customerName,
  o.customer_contact_number AS customerPhone,
  o.email AS email,
  c.id AS channelId,
  c.label AS brand,
  c.account_slug AS accountSlug
FROM shipment_status_logs l
JOIN shipments s ON s.id = l.shipment_id
JOIN order_items i ON i.shipment_id = s.id
JOIN orders o ON o.id = i.order_id
JOIN channels c ON c.id = o.channel_id
WHERE l.id IN (:statusLogIds)
