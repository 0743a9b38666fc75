import type { CredentialField } from '../../core/contract/provider.ts'

/** Ids are UUIDs in every example; nothing says that they must be. */
export const vendorId = /^[\w-]{1,64}$/

/** What a connection at TWIN is entered with. */
export const credentialFields = [
  {
    name: 'email',
    label: 'E-mail',
    help: 'Login of a TWIN user who may send messages; best one of its own for this gateway.',
    required: true,
    sensitive: false,
    pattern: /^[^\s@]{1,128}@[^\s@]{1,128}$/,
  },
  {
    name: 'password',
    label: 'Password',
    help: 'Password of that user.',
    required: true,
    sensitive: true,
    pattern: /^\S.{0,254}$/u,
  },
  {
    name: 'companyId',
    label: 'Company ID',
    help: 'Only for users who belong to several companies.',
    required: false,
    sensitive: false,
    pattern: vendorId,
  },
] as const satisfies readonly CredentialField[]
