-- The least of the warehouse system's tables that config/wms/order-details.sql needs; the tests create exactly these.
CREATE TABLE channels (
  id BIGINT PRIMARY KEY,
  account_id BIGINT NOT NULL,
  label VARCHAR(255),
  account_slug VARCHAR(128)
);
CREATE TABLE orders (
  id BIGINT PRIMARY KEY,
  channel_id BIGINT NOT NULL,
  vendor_order_number VARCHAR(64),
  customer_order_number VARCHAR(64),
  customer_name VARCHAR(255),
  customer_contact_number VARCHAR(32),
  email VARCHAR(255)
);
CREATE TABLE shipments (
  id BIGINT PRIMARY KEY,
  tracking_id VARCHAR(64),
  external_shipment_id VARCHAR(64)
);
CREATE TABLE order_items (
  id BIGINT PRIMARY KEY,
  order_id BIGINT NOT NULL,
  shipment_id BIGINT NOT NULL,
  KEY (shipment_id)
);
CREATE TABLE shipment_status_logs (
  id BIGINT PRIMARY KEY,
  shipment_id BIGINT NOT NULL,
  status VARCHAR(64)
);
