/** Processor time and memory of processes, as the operating system counts them (Linux; elsewhere not a number). */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** USER_HZ: `/proc` counts in hundredths of a second on every Linux of today. */
const tickUs = 10_000
const pageBytes = 4_096

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** Fields of /proc/<pid>/stat after the name, which may hold spaces: state is number 0 (proc(5) counts it as 3). */
const statFields = (pid: number | undefined): string[] => {
  const text = pid === undefined ? '' : read(`/proc/${pid}/stat`)
  return text.slice(text.lastIndexOf(')') + 2).split(' ')
}

/** User and system time of a process with all its threads; NaN when there is no such process. */
export function cpuUsOf(pid: number | undefined): number {
  const fields = statFields(pid)
  return (Number(fields[11] ?? Number.NaN) + Number(fields[12] ?? Number.NaN)) * tickUs
}

export const residentMbOf = (pid: number | undefined): number =>
  (Number(statFields(pid)[21] ?? Number.NaN) * pageBytes) / 2 ** 20

/** Time that all processors together were busy since the machine started. */
export function busyUsOfMachine(): number {
  const [user, nice, system, , , irq, softIrq] = read('/proc/stat').split('\n')[0]?.trim().split(/\s+/).slice(1) ?? []
  return [user, nice, system, irq, softIrq].reduce((sum, ticks) => sum + Number(ticks ?? Number.NaN), 0) * tickUs
}

/** The process that listens on a port of this machine, if we may see it. */
export function pidOfListener(port: number): number | undefined {
  const inodes = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => listeningInodes(table, port)))
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .find((pid) => socketInodes(pid).some((inode) => inodes.has(inode)))
}

const listening = '0A'

function listeningInodes(table: string, port: number): string[] {
  const ending = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return read(table)
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => local?.endsWith(ending) && state === listening)
    .flatMap((fields) => fields[9] ?? [])
}

function socketInodes(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => inodeOf(`/proc/${pid}/fd/${fd}`) ?? [])
  } catch {
    return []
  }
}

function inodeOf(path: string): string | undefined {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(path))?.[1]
  } catch {
    return undefined
  }
}
