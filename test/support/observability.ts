/** Dashboards and alert rules, as they are written. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { configDir } from '../../src/paths.ts'

export interface PanelQuery {
  readonly dashboard: string
  readonly panel: string
  readonly expr: string
}

export interface Panel {
  readonly type: string
  readonly title: string
  readonly datasource?: { readonly uid: string }
  readonly targets?: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[]
}

export interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly schemaVersion: number
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition: string }[] }
}

const dashboardsDir = join(configDir, 'grafana', 'dashboards')

export const dashboards = (): Dashboard[] =>
  readdirSync(dashboardsDir).map((file) => JSON.parse(readFileSync(join(dashboardsDir, file), 'utf8')) as Dashboard)

export const panelQueries = (): PanelQuery[] =>
  dashboards().flatMap(({ title: dashboard, panels }) =>
    panels.flatMap(({ title: panel, targets = [] }) => targets.map(({ expr }) => ({ dashboard, panel, expr }))),
  )

export interface AlertRule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly runbook_url: string }
}

export function alertRules(): AlertRule[] {
  const file = join(configDir, 'prometheus', 'rules.yml')
  const { groups } = parse(readFileSync(file, 'utf8')) as { groups: { rules: AlertRule[] }[] }
  return groups.flatMap(({ rules }) => rules)
}

/** Names of metrics in an expression. */
export const metricsIn = (expr: string): string[] =>
  expr.match(/\b(?:fdr|nodejs|process)_[a-z0-9_]+|\b(?:up|ALERTS)\b/g) ?? []
