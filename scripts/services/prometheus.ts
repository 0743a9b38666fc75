import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { installDebianPackages } from './debian.ts'
import { reasonOf } from './describe.ts'
import { findProgram } from './processes.ts'
import type { Say } from './ways.ts'

export type PrometheusPrograms = {
  prometheus: string
  promtool: string
}

const find = (): PrometheusPrograms | undefined => {
  const [prometheus, promtool] = [findProgram('prometheus'), findProgram('promtool')]
  return prometheus && promtool ? { prometheus, promtool } : undefined
}

/**
 * Finds Prometheus, or installs it as root on Debian. Nothing is started.
 * @throws Error with one sentence that says what is missing and what to do about it
 */
export const ensurePrometheus = async (say: Say = console.log): Promise<PrometheusPrograms> => {
  const found = find() ?? (await install(say).catch(refuse))
  return found ?? refuse(new Error('package prometheus brought no prometheus and promtool'))
}

const refuse = (error: unknown): never => {
  throw new Error(
    `The tests of config/prometheus need the programs prometheus and promtool, and they are not there: ` +
      `${reasonOf(error)}. Install them (Debian: apt-get install prometheus) or put them on the PATH.`,
  )
}

const install = async (say: Say): Promise<PrometheusPrograms | undefined> => {
  if (process.getuid?.() !== 0 || findProgram('apt-get') === undefined)
    throw new Error('installing them needs root and apt-get')
  await withoutStarting(() => installDebianPackages(['prometheus'], say))
  return find()
}

/** Debian asks this program whether a package may start its service; one that is there already is somebody's decision. */
const policyFile = '/usr/sbin/policy-rc.d'

const withoutStarting = async (work: () => Promise<void>): Promise<void> => {
  if (existsSync(policyFile)) return work()
  await writeFile(policyFile, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    await work()
  } finally {
    await rm(policyFile)
  }
}
