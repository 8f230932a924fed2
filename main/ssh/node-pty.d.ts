/** The part of node-pty that is used here, with bytes where its own types only know text. (The package that stands in for it declares another name.) */
declare module 'node-pty' {
  export interface IPty {
    onData(listener: (data: Buffer) => void): void;
    onExit(listener: (event: { exitCode: number; signal?: number }) => void): void;
    write(data: Buffer): void;
    resize(columns: number, rows: number): void;
    pause(): void;
    resume(): void;
    kill(signal?: string): void;
  }

  export function spawn(file: string, args: string[], options: { name: string; cols: number; rows: number; cwd: string; env: NodeJS.ProcessEnv; encoding: null }): IPty;
}
