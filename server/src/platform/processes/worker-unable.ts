/** A worker could not start; the message is its sentence for the person at the terminal. */
export class WorkerUnable extends Error {}
