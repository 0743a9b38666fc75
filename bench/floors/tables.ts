/** The floors' tables: the columns that the work needs, and the keys without which it would be wrong. */

import type { Connection } from 'mysql2/promise'

const stamps = 'created_at DATETIME(3) NOT NULL, updated_at DATETIME(3) NOT NULL'

const tables = [
  `CREATE TABLE outgoing (
    id BIGINT PRIMARY KEY AUTO_INCREMENT, reference VARCHAR(32) NOT NULL, idempotency_key VARCHAR(160) NOT NULL,
    account_id INT NOT NULL, customer_phone VARCHAR(32) NOT NULL, message_id VARCHAR(255), payload TEXT NOT NULL,
    context TEXT NOT NULL, state VARCHAR(16) NOT NULL, status_rank TINYINT NOT NULL, accepted_at DATETIME(3),
    sent_at DATETIME(3), delivered_at DATETIME(3), read_at DATETIME(3), ${stamps},
    UNIQUE (reference), UNIQUE (idempotency_key), UNIQUE (message_id))`,
  `CREATE TABLE activity (
    id BIGINT PRIMARY KEY AUTO_INCREMENT, event_id VARCHAR(36) NOT NULL, event_sub_type VARCHAR(64) NOT NULL,
    outgoing_id BIGINT NOT NULL, payload MEDIUMTEXT NOT NULL, created_at DATETIME(3) NOT NULL, published_at DATETIME(3))`,
  `CREATE TABLE reports (
    id BIGINT PRIMARY KEY AUTO_INCREMENT, outgoing_id BIGINT, message_id VARCHAR(255) NOT NULL,
    reference VARCHAR(64) NOT NULL, status VARCHAR(32) NOT NULL, payload MEDIUMTEXT NOT NULL, at DATETIME(3) NOT NULL,
    dedupe_key VARCHAR(64) NOT NULL, ${stamps}, UNIQUE (dedupe_key))`,
]

export async function createFloorTables(connection: Connection): Promise<void> {
  for (const table of tables) await connection.query(`${table} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`)
}
